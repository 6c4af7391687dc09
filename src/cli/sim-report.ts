/** Tells of seeds that failed, and of how a campaign ended. */
import type { Plan, Violation } from '../simulation/index.js';
import { quoted } from './program-args.js';
import type { Failing } from './sim-campaign.js';

/** Violations of one run that are told; the others mostly follow from them. */
const TOLD_VIOLATIONS = 3;
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** The one command that runs a plan again. */
export function replayPlan(module: string, plan: Plan): string {
  return ['millrace', 'sim', module, '--plan', JSON.stringify(plan)].map(quoted).join(' ');
}

export function failureLines(name: string, module: string, { seed, violations, plan, shrunk }: Failing): string[] {
  const smallest = shrunk ?? { plan, violations };
  return [
    `${name}: seed ${seed} fails`,
    ...violationLines(shrunk?.violations.length ? shrunk.violations : violations),
    ...(shrunk === undefined ? [] : [`  shrunk in ${shrunk.runs} runs from ${sizeOf(plan)} to ${sizeOf(shrunk.plan)}`]),
    `  replay it with: ${replayPlan(module, smallest.plan)}`,
  ];
}

export function violationLines(violations: readonly Violation[]): string[] {
  return violations
    .slice(0, TOLD_VIOLATIONS)
    .map(({ invariant, message, atMs }) => `  ${invariant}, at ${atMs.toFixed(3)} ms: ${message}`);
}

export interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly messages: number;
  readonly seconds: number;
}

export function tallyLine({ name, passed, failed, messages, seconds }: Tally): string {
  const failures = failed === 0 ? '' : `, ${whole.format(failed)} failed`;
  const rate = seconds > 0 ? ` (${whole.format((passed + failed) / seconds)}/s)` : '';
  return `${name}: ${whole.format(passed)} seeds passed${failures} in ${seconds.toFixed(1)} s${rate}, ${whole.format(messages)} messages`;
}

function sizeOf({ sizes, faults }: Plan): string {
  const counts = Object.entries(sizes).map(([name, size]) => `${size} ${name}`);
  return [...counts, `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`].join(', ');
}
