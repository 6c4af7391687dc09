/** How commands ask the launcher of a run on this host. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ActorRef } from '../actors/kernel/index.js';
import { isOwned, makeFolder, openInfrastructure, removeFolder, runsFolder } from '../actors/services/index.js';
import { ConfigError, silentLogger } from '../index.js';
import { limits } from '../limits.js';
import { readNamedText } from '../named-file.js';
import { v1 } from '../protocol/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { type FoundRun, foundRuns, runCUid, type RunFile } from './run-files.js';

/** Time in ms that a launcher has to answer. */
export const ANSWER_MS = 10_000;
/** How the folders of commands that ask a launcher begin. */
const ASKS = '.asks-';

/** The folder of the sockets of this command, in which it is the only one. */
export function commandFolder(): string {
  return join(runsFolder(), `${ASKS}${process.pid}`);
}

/** The run that a user means: by its name, or the only one. Throws ConfigError. */
export function chosenRun(name: string | undefined): FoundRun & { readonly file: RunFile } {
  const alive = foundRuns().filter(({ isAlive }) => isAlive);
  const found = name === undefined && alive.length === 1 ? alive[0] : alive.find(({ run }) => run === name);
  if (found?.file !== undefined) return { ...found, file: found.file };
  const names = alive.map(({ run }) => run).join(', ');
  throw new ConfigError(
    name === undefined && alive.length > 1
      ? `Several runs are up: name one of ${names}.`
      : `No run ${name === undefined ? '' : `${name} `}is up on this machine${alive.length === 0 ? '' : `: there are ${names}`}.`,
  );
}

/** What `ask` does with the launcher of a run, over a link of its own. */
export async function askRun<T>(
  { address, keyFile, tls }: RunFile,
  ask: (actor: ActorRef<typeof v1.Run>) => Promise<T>,
): Promise<T> {
  const key = readNamedText({ what: 'The key of the run', path: keyFile, maxBytes: limits.keyFileBytes }).trim();
  const folder = makeFolder(commandFolder());
  const links = { name: 'asks', folder, key, listen: 'unix:', advertisedHost: '', tls };
  const infrastructure = await openInfrastructure(links, new RealScheduler(), silentLogger);
  try {
    return await ask(infrastructure.reference(v1.Run, address, runCUid));
  } finally {
    await infrastructure.close();
    removeFolder(folder);
  }
}

/** Removes the folders of commands that were killed while they asked. */
export function removeAsks(): void {
  const all = runsFolder();
  for (const name of readdirSync(all)) {
    if (name.startsWith(ASKS) && !isOwned(join(all, name))) rmSync(join(all, name), { recursive: true, force: true });
  }
}

/** For JSON.stringify: ids are decimal strings in JSON. */
export function withDecimals(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
