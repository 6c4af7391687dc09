/** The commands of `millrace repl`: each does what the command line does by the same name. */
import { surveyCluster, type Peers, type Visitor } from '../actors/runtime/survey/index.js';
import { ClusterWatch, type ClusterView } from '../introspection/index.js';
import { ConfigError } from '../index.js';
import { limits } from '../limits.js';
import { findingsOf } from './doctor-findings.js';
import { formatSurvey } from './doctor-report.js';
import { explainedText } from './explain.js';
import { eachLook, printEvents } from './looks.js';
import { print, printLine } from './output.js';
import { type CommandWords, textOf } from './repl-completion.js';
import { topLines } from './top-table.js';

export interface ReplCommand extends CommandWords {
  readonly usage: string;
  readonly help: string;
  /** `words` are those behind its name, `rest` is all text behind its first two words. At the signal it ends, and prints nothing more. */
  run(given: ReplWords, signal: AbortSignal): Promise<void>;
}

export interface ReplWords {
  readonly words: readonly string[];
  readonly rest: string;
}

const ROWS = 20;
const RATES_MS = 500;

export function replCommands(visitor: Visitor, watch: ClusterWatch): readonly ReplCommand[] {
  const call =
    (isTell: boolean) =>
    async ({ words, rest }: ReplWords, signal: AbortSignal): Promise<void> => {
      const [name, method] = [needed(words[0], 'the name of an actor'), needed(words[1], 'a method')];
      const reply = await watch.call(name, method, rest === '' ? '{}' : rest, { isTell, signal });
      if (reply !== '') print(reply);
    };
  const commands: readonly ReplCommand[] = [
    {
      word: 'ps',
      takes: [],
      usage: 'ps',
      help: 'processes and partitions, and the names of actors',
      run: async (_given, signal) => printOnce(visitor, signal, psLines),
    },
    {
      word: 'top',
      takes: [],
      usage: 'top',
      help: 'rates, and the actors with the fullest mailboxes',
      run: async (_given, signal) => printOnce(visitor, signal, (view) => topLines(view, ROWS)),
    },
    {
      word: 'inspect',
      takes: ['name'],
      usage: 'inspect NAME',
      help: 'one actor: its mailbox, its state, its methods and the fields of their requests',
      run: async ({ words }, signal) => {
        const name = needed(words[0], 'the name of an actor');
        const { actor, state, signatures, waiting } = await watch.examineNamed(name, signal);
        const { path = '', phase = '', queued = 0, capacity = 0 } = actor ?? {};
        printLine(
          `${path}  ${phase}  ${queued} of ${capacity} messages wait${waiting.length === 0 ? '' : `: ${waiting.join(', ')}`}`,
        );
        if (state !== '') printLine(`state  ${state}`);
        for (const { name, mode, fields } of signatures) printLine(`${mode.padEnd(6)} ${name} {${fields.join(', ')}}`);
      },
    },
    {
      word: 'explain',
      takes: ['name'],
      usage: 'explain WHAT',
      help: 'why an actor, a link, a component or an rpc waits',
      run: async ({ words }, signal) =>
        print(explainedText(await watch.explain(needed(words[0], 'what is to be explained'), { signal }))),
    },
    {
      word: 'call',
      takes: ['name', 'method', 'json'],
      usage: 'call NAME METHOD {JSON}',
      help: 'asks an actor, and prints its reply',
      run: call(false),
    },
    {
      word: 'tell',
      takes: ['name', 'method', 'json'],
      usage: 'tell NAME METHOD {JSON}',
      help: 'sends a message, and waits for no reply',
      run: call(true),
    },
    {
      word: 'watch',
      takes: [],
      usage: 'watch',
      help: 'a line for each event, until Ctrl-C',
      run: (_given, signal) => printEvents(visitor, false, signal),
    },
    {
      word: 'doctor',
      takes: [],
      usage: 'doctor',
      help: 'who holds which memory, and what is wrong',
      run: async (_given, signal) => {
        const survey = await surveyCluster(visitor, limits.askTimeoutMs, signal);
        print(formatSurvey(survey, findingsOf(survey)));
      },
    },
    {
      word: 'help',
      takes: ['command'],
      usage: 'help',
      help: 'this list',
      run: () => {
        print(helpText(commands));
        return Promise.resolve();
      },
    },
  ];
  return commands;
}

export function helpText(commands: readonly ReplCommand[]): string {
  return [
    ...commands.map(({ usage, help }) => `  ${usage.padEnd(24)} ${help}`),
    '',
    'Tab completes commands, names, methods and the fields of requests. Ctrl-C ends a command and those typed behind it, Ctrl-D ends all.',
    '64-bit integers are written as in {"id":"12n"}, bytes as {"base64":"..."}. A name with blanks is put in "...".',
    'For a beginning: ps, inspect one of the names, then call it.',
  ].join('\n');
}

function needed(word: string | undefined, what: string): string {
  if (word === undefined) throw new ConfigError(`A word is missing: ${what}. Type help, or press Tab.`);
  return textOf(word);
}

/** Rates need two looks. */
async function printOnce(
  peers: Peers,
  signal: AbortSignal,
  linesOf: (view: ClusterView) => readonly string[],
): Promise<void> {
  let looks = 0;
  await eachLook(new ClusterWatch(peers), RATES_MS, signal, (view) => {
    if (++looks < 2) return false;
    print(linesOf(view).join('\n'));
    return true;
  });
}

function psLines({ partitions, names }: ClusterView): readonly string[] {
  return [
    ...partitions.map(
      ({ ordinal, node, process, address, actorCount, silence }) =>
        `partition ${ordinal}  ${node} ${process}  ${actorCount} actors  ${address}${silence === undefined ? '' : `  silent: ${silence}`}`,
    ),
    ...names.map(({ name, service, partition }) => `name  ${name}  ${service}  partition ${partition ?? 'none'}`),
  ];
}
