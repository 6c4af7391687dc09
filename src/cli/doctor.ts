import type { Command } from 'commander';
import { openVisitor, surveyCluster } from '../actors/runtime/survey/index.js';
import { silentLogger } from '../index.js';
import { limits } from '../limits.js';
import { readOptionsFile, resolveOptions } from '../options/index.js';
import { findingsOf } from './doctor-findings.js';
import { formatSurvey, surveyJson } from './doctor-report.js';
import { DOCTOR_EXIT_CODES, ExitCode } from './exit-codes.js';
import { print, say } from './output.js';
import { wholeNumber } from './run-options.js';

interface DoctorFlags {
  readonly controlPlane?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

/** `millrace doctor`: who holds which memory in a running cluster, and what ended processes have left. */
export function addDoctor(command: Command): void {
  command
    .command('doctor')
    .summary('Print who holds which values and memory in a running cluster, and what is wrong there.')
    .description(
      'Asks each partition of a running cluster for its pools of memory and its values: how much others hold of it, since when, and what ' +
        'was freed when processes ended. Nothing is changed, and the command gets no place in the cluster. It finds the cluster by the ' +
        'options controlPlane or clusterStore, with the keys and certificates of a process that joins.',
    )
    .option('--control-plane <address>', 'the process that serves the control plane (default: the option controlPlane)')
    .option('--timeout <ms>', 'time in which a partition has to answer', wholeNumber(1, 600_000), limits.askTimeoutMs)
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\n${DOCTOR_EXIT_CODES}\n\nExamples:\n  millrace doctor --control-plane tcp://127.0.0.1:7010`)
    .action(async (flags: DoctorFlags) => {
      process.exitCode = await examine(flags);
    });
}

async function examine({ controlPlane, timeout, json = false }: DoctorFlags): Promise<number> {
  const options = resolveOptions({
    code: { controlPlane },
    env: process.env,
    file: readOptionsFile({ folder: process.cwd() }),
  });
  if (options.notice !== undefined) say(options.notice);
  const visitor = await openVisitor(options.values, silentLogger);
  try {
    const survey = await surveyCluster(visitor, timeout);
    const findings = findingsOf(survey);
    print(json ? surveyJson(survey, findings) : formatSurvey(survey, findings));
    return findings.length === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    await visitor.close();
  }
}
