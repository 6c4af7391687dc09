/** The file of each run on this host, by which `millrace ps`, `stop` and `cleanup` find it, and the actor that answers them. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Infrastructure, isRunOwned, type Launcher, RUN_FILE, runsFolder } from '../actors/services/index.js';
import { behavior, later } from '../actors/kernel/index.js';
import { debugCUid } from '../ids/index.js';
import { isRecord } from '../foreign.js';
import { v1 } from '../protocol/index.js';
import type { TlsFiles } from '../transport/index.js';
import type { RunLog } from './run-log.js';

export interface RunFile {
  readonly run: string;
  readonly module: string;
  /** Of the launcher. */
  readonly pid: number;
  readonly address: string;
  readonly keyFile: string;
  /** Where the links of the run are inside TLS. */
  readonly tls?: TlsFiles;
}

/** A folder of a run; `file` is undefined where the launcher has not written it, or is on another host. */
export interface FoundRun {
  readonly run: string;
  readonly folder: string;
  readonly file: RunFile | undefined;
  /** A process of the run may live on this host: its launcher, or a node of a launcher elsewhere. */
  readonly isAlive: boolean;
}

/** The debug channel on which the launcher of a run answers users. */
export const runCUid = debugCUid(0);

export function writeRunFile(folder: string, file: RunFile): void {
  const path = join(folder, RUN_FILE);
  writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** All runs of this user on this host. */
export function foundRuns(): readonly FoundRun[] {
  const all = runsFolder();
  return readdirSync(all)
    .filter((run) => !run.startsWith('.'))
    .map((run) => {
      const folder = join(all, run);
      return { run, folder, file: readRunFile(folder), isAlive: isRunOwned(folder) };
    });
}

/** Answers `millrace ps`, `stop`, `inspect` and `logs`. */
export function answerUsers(infrastructure: Infrastructure, launcher: Launcher, log: RunLog, stop: () => void): void {
  const answers = behavior(v1.Run, {
    supervision: { onFailure: 'resume' },
    describe: () => later(described(launcher)),
    stop: () => {
      stop();
      return {};
    },
    inspect: () => later(inspected(launcher)),
    async *topology() {
      yield* launcher.topologies();
    },
    async *logs(_state, wanted) {
      const reader = log.read(wanted);
      try {
        for (let isLast = false; !isLast; ) {
          const lines = reader.next();
          yield later(lines);
          ({ isLast = false } = await lines);
        }
      } finally {
        reader.close();
      }
    },
  });
  infrastructure.spawn(answers, { name: 'run', cUid: runCUid });
}

/** The named channels, pools and groups of a run. Rejects with StoppedError while it comes up or goes down. */
async function inspected(launcher: Launcher): Promise<v1.ResourceDescriptorsInit> {
  const { CHANNEL, POOL, GROUP } = v1.ResourceKind;
  const lists = await Promise.all(
    [CHANNEL, POOL, GROUP].map((kind) => launcher.services.ask((services) => services.list({ kind }))),
  );
  return { resources: lists.flatMap(({ resources }) => resources) };
}

async function described(launcher: Launcher): Promise<v1.RunDescriptionInit> {
  const list = launcher.globalServices?.list({ kind: v1.ResourceKind.PROCESS }, { timeoutMs: 5_000 });
  // While the run comes up or goes down, there may be none.
  const processes = await list?.then(({ resources }) => resources).catch(() => []);
  return { ...launcher.describe(), ...(processes && { processes }) };
}

function readRunFile(folder: string): RunFile | undefined {
  const path = join(folder, RUN_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRunFile(content) ? content : undefined;
  } catch {
    // The launcher removes it just now.
    return undefined;
  }
}

function isRunFile(content: unknown): content is RunFile {
  if (!isRecord(content)) return false;
  return (
    ['run', 'module', 'address', 'keyFile'].every((name) => typeof content[name] === 'string') &&
    typeof content['pid'] === 'number' &&
    (content['tls'] === undefined || isRecord(content['tls']))
  );
}
