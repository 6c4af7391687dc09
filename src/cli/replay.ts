import { fileURLToPath } from 'node:url';
import { open as openInspector, url as inspectorUrl, waitForDebugger as waitForInspector } from 'node:inspector';
import type { Command } from 'commander';
import { importPipeline } from '../actors/runtime/index.js';
import { importModule } from '../import-module.js';
import { ConfigError } from '../index.js';
import {
  type ActorRecord,
  actorNamed,
  behaviorOf,
  type Difference,
  readRecordingFile,
  recordedActors,
  replay,
  type ReplayOptions,
  replaySegment,
  segmentOf,
} from '../recording/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { describeDifference, type TypeOf, typesOfSegment, typesOfService } from './describe-difference.js';
import { ExitCode, REPLAY_EXIT_CODES } from './exit-codes.js';
import { moduleUrl } from './packages.js';
import { print, say } from './output.js';
import { wholeNumber } from './run-options.js';

interface ReplayFlags {
  readonly actor?: string;
  readonly module?: string;
  readonly behavior?: string;
  readonly inspect?: boolean;
  readonly at?: number;
}

/** `millrace replay`: replays one actor of a recording, and reports the first difference. */
export function addReplay(command: Command): void {
  command
    .command('replay')
    .summary('Replay one actor of a recording, and report the first difference.')
    .description(
      'Gives one recorded actor all its messages again, in the same order and without the rest of the system, and compares what it does with the recording.',
    )
    .usage('FILE --actor NAME [options]')
    .argument('<file>', 'a recording: millrace run --record FILE')
    .option(
      '--actor <name>',
      'name or path of the actor, with #2 for the second one of that path; without it the recorded actors are listed',
    )
    .option('--module <module>', 'the module that exports its behavior or component (default: the recorded module)')
    .option('--behavior <export>', 'the name of the export, where several implement the same service')
    .option('--inspect', 'wait for a debugger, and pause before the first event')
    .option('--at <n>', 'with --inspect: pause before this event instead', wholeNumber(0, 2 ** 31))
    .addHelpText(
      'after',
      `
${REPLAY_EXIT_CODES}

Examples:
  millrace replay shop.rec
  millrace replay shop.rec --actor pricing
  millrace replay shop.rec --actor pricing --inspect --at 17`,
    )
    .action(async (file: string, flags: ReplayFlags) => {
      process.exitCode = await replayFile(file, flags);
    });
}

async function replayFile(file: string, flags: ReplayFlags): Promise<number> {
  const recording = readRecordingFile(file);
  const { header, files, missing } = recording;
  for (const { path, cutBytes } of files) {
    if (cutBytes > 0) say(`${path} ends in the middle of an entry. Replaying up to there.`);
  }
  for (const message of missing) say(`${message} The actors of that partition are left out.`);
  if (flags.actor === undefined) {
    for (const { label, service, events, file: own } of recordedActors(recording)) {
      const part = own === undefined || own === file ? '' : `  ${own}`;
      print(`${label}  ${service === '' ? 'segment' : service}  ${events.length} events${part}`);
    }
    return ExitCode.ok;
  }
  const actor = actorNamed(recording, flags.actor);
  const url = moduleOf(file, actor, flags.module, header.module);
  const stopAt = flags.inspect === true ? (flags.at ?? 0) : Number.POSITIVE_INFINITY;
  if (flags.inspect === true) waitForDebugger();
  const options: ReplayOptions = {
    before: (_event, index) => {
      // oxlint-disable-next-line no-debugger -- what --inspect is for: from here one steps into the code that handles the event.
      if (index >= stopAt) debugger;
    },
  };
  const { difference, typeOf } = await replayActor(actor, url, flags.behavior, options);
  if (difference === undefined) {
    print(`${actor.label}: ${actor.events.length} events, no difference.`);
    return ExitCode.ok;
  }
  print(`${actor.label}: ${describeDifference(typeOf, difference)}`);
  return ExitCode.failed;
}

/** The module with the code of the actor: the one that is given, that of its component, or the one that the recording names. */
function moduleOf(file: string, { component }: ActorRecord, given: string | undefined, recorded: string): string {
  if (given !== undefined) return moduleUrl(given);
  if (component?.url.startsWith('file:') === true) return moduleUrl(fileURLToPath(component.url));
  if (recorded !== '') return moduleUrl(recorded);
  throw new ConfigError(`${file} does not name the module of the behavior: give --module MODULE.`);
}

/** Replays an actor or a segment, from the module that has its code. `typeOf` says what the bytes of a recorded value are. */
async function replayActor(
  actor: ActorRecord,
  url: string,
  exportName: string | undefined,
  options: ReplayOptions,
): Promise<{ readonly difference: Difference | undefined; readonly typeOf: TypeOf }> {
  if (actor.segment !== undefined) {
    const pipeline = await importPipeline(url, new RealScheduler());
    const segment = segmentOf(pipeline, actor.segment);
    return { difference: await replaySegment(segment, actor.events, options), typeOf: typesOfSegment(segment) };
  }
  const exports = await importModule(url);
  const behavior = behaviorOf(exports, actor, exportName);
  const typeOf = typesOfService(behavior.service, actor.events);
  return { difference: await replay(behavior, actor.events, options), typeOf };
}

function waitForDebugger(): void {
  // Port 0: any free port.
  openInspector(0, '127.0.0.1', false);
  say(`waiting for a debugger at ${inspectorUrl() ?? 'an unknown address'}`);
  waitForInspector();
}
