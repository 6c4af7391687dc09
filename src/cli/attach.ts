/** How commands reach the processes of a running cluster: a run of `millrace up` on this host, or any other by its control plane. */
import type { Command } from 'commander';
import { controlPlaneOf, openVisitor, type Visitor } from '../actors/runtime/survey/index.js';
import { silentLogger } from '../index.js';
import { readOptionsFile, resolveOptions } from '../options/index.js';
import { ANSWER_MS, askRun, chosenRun } from './ask-run.js';
import { say } from './output.js';

export interface AttachFlags {
  readonly controlPlane?: string;
}

export const RUN_ARGUMENT = 'name of a run, as millrace ps prints it (default: the only one)';

export function addAttachOptions(command: Command): Command {
  return command.option(
    '--control-plane <address>',
    'another cluster than a run: the process that serves its control plane (default: the option controlPlane)',
  );
}

/** A cluster that a command looks at. */
interface Attached {
  readonly visitor: Visitor;
  /** Where the control plane is now: another process may serve it since. */
  readonly locate: () => Promise<string>;
}

/** What `work` does with a cluster. Throws ConfigError where none is named and no run is up. */
export async function withCluster<T>(
  run: string | undefined,
  { controlPlane }: AttachFlags,
  work: (visitor: Visitor, locate: () => Promise<string>) => Promise<T>,
): Promise<T> {
  const { visitor, locate } = await attach(run, controlPlane);
  try {
    return await work(visitor, locate);
  } finally {
    await visitor.close();
  }
}

async function attach(run: string | undefined, controlPlane: string | undefined): Promise<Attached> {
  const file = readOptionsFile({ folder: process.cwd() });
  const { values, notice } = resolveOptions({ code: { controlPlane }, env: process.env, file });
  if (notice !== undefined) say(notice);
  const isNamed = values.controlPlane !== 'none' || values.clusterStore !== 'none';
  if (run === undefined && isNamed) {
    const visitor = await openVisitor(values, silentLogger);
    return { visitor, locate: () => controlPlaneOf(values, visitor.scheduler, silentLogger) };
  }
  const { file: runFile } = chosenRun(run);
  const locate = async (): Promise<string> =>
    (await askRun(runFile, (actor) => actor.describe({}, { timeoutMs: ANSWER_MS }))).controlPlane;
  const ofRun = { controlPlane: await locate(), clusterKeyFile: runFile.keyFile };
  const visitor = await openVisitor(resolveOptions({ code: ofRun, env: process.env, file }).values, silentLogger);
  return { visitor, locate };
}
