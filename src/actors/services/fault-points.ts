import { ConfigError } from '../../errors.js';
import { steps } from './steps.js';

/**
 * What happens at a fault point, in place of the step or beside it:
 *
 *     kill      the process ends at once, as by kill -9
 *     delay     the step is done, and never answered
 *     fail      the step fails with an error
 *     garbage   the answer makes no sense
 *     twice     the step is done twice
 */
const ACTIONS = ['kill', 'delay', 'fail', 'garbage', 'twice'] as const;
export type FaultAction = (typeof ACTIONS)[number];

interface Fault {
  readonly step: string;
  readonly action: FaultAction;
  /** The node where it happens; undefined: on all. */
  readonly node: number | undefined;
}

/** The planned faults of a process: `MILLRACE_FAULT=channels:kill@1,head:delay`. */
export class FaultPoints {
  readonly #faults: readonly Fault[];

  private constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  static readonly none = new FaultPoints([]);

  /** Throws ConfigError for a text that names no step or action. */
  static parse(text: string): FaultPoints {
    return new FaultPoints(text.trim() === '' ? [] : text.split(',').map(faultOf));
  }

  /** What is to happen when this node does the step. */
  at(step: string, node: number): FaultAction | undefined {
    return this.#faults.find((fault) => fault.step === step && (fault.node ?? node) === node)?.action;
  }
}

function faultOf(text: string): Fault {
  const [, step = '', word = '', node] = /^([\w-]+):(\w+)(?:@(\d{1,8}))?$/.exec(text.trim()) ?? [];
  const action = ACTIONS.find((each) => each === word);
  if (action === undefined || !steps.some(({ name }) => name === step)) {
    const names = steps.map(({ name }) => name).join(', ');
    throw new ConfigError(
      `MILLRACE_FAULT has "${text}": write STEP:ACTION or STEP:ACTION@NODE. Steps: ${names}. Actions: ${ACTIONS.join(', ')}.`,
    );
  }
  return { step, action, node: node === undefined ? undefined : Number(node) };
}
