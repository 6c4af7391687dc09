import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError } from '../../../errors.js';
import { codeOf, messageOf } from '../../../foreign.js';
import { packageFile } from '../../../installation.js';
import { launchVariables } from '../../../options/index.js';
import type { Logger } from '../../../logging/index.js';
import type { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { NodeIdentity, Output } from '../node/node-system.js';
import type { StartedProcess } from '../node/processes.js';
import type { RunStart, RunStore } from './role-start.js';

/**
 * Time in ms for the last output of a process to arrive: what it has started may hold its pipes open for ever. The time in which the launcher
 * does not take what has arrived does not count.
 */
const LAST_OUTPUT_MS = 500;

export interface ManagedStart {
  readonly spec: v1.ProcessToStart;
  readonly identity: NodeIdentity;
  readonly output: Output;
  readonly scheduler: Scheduler;
  readonly start: RunStart & { readonly node: string };
  /** Of the node. */
  readonly folder: string;
  /** Processors of the node. */
  readonly cpus: number;
  readonly log: Logger;
}

/**
 * Starts a process of the application: a Node program with the launch parameters in its environment. It has a process group of its own, and
 * a pipe by which it notices the end of this process. Its output goes to `output`, chunk by chunk: while one is under way, it is not read on.
 */
export function startManaged(options: ManagedStart): StartedProcess {
  const { spec, output, start } = options;
  const preload = pathToFileURL(packageFile('dist/actors/services/programs/managed.js', 'Processes of a run load it.'));
  const module = fileURLToPath(spec.module);
  if (!existsSync(module))
    throw new ConfigError(`${start.node} has no file ${module}: install the program on every host.`);
  const child = spawn(process.execPath, ['--import', preload.href, module, ...spec.arguments], {
    cwd: existsSync(spec.folder) ? spec.folder : undefined,
    env: { ...process.env, ...environmentOf(options) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on('error', () => {});
    throw new ConfigError(
      `Process "${spec.name}" could not be started: does ${start.node} lack memory or descriptors?`,
    );
  }
  const streams = [child.stdout, child.stderr].flatMap((stream, index) =>
    stream === null ? [] : [forwarded(stream, index === 1, spec, output)],
  );
  return {
    pid,
    ended: endOf(child, pid, streams, options),
    signal: (name) => signal(child, pid, name),
  };
}

function environmentOf({ spec, identity, start, folder, cpus }: ManagedStart): Readonly<Record<string, string>> {
  const { globalServices, index, nodes, address } = identity;
  const isUnix = start.listen.startsWith('unix:');
  return {
    ...allocated(cpus),
    ...start.environment,
    ...Object.fromEntries(spec.environment.map(({ name, value }) => [name, value])),
    MILLRACE_NODE_NAME: start.node,
    ...(start.store === undefined
      ? { MILLRACE_CONTROL_PLANE: globalServices?.controlPlane ?? 'none', MILLRACE_CLUSTER_STORE: 'none' }
      : { MILLRACE_CONTROL_PLANE: 'none', ...storeVariables(start.store) }),
    MILLRACE_LISTEN: isUnix ? 'unix:' : start.listen,
    ...(start.advertisedHost !== '' && { MILLRACE_ADVERTISED_HOST: start.advertisedHost }),
    MILLRACE_CLUSTER_KEY_FILE: join(folder, 'cluster.key'),
    MILLRACE_KEYLESS: 'nowhere',
    ...tlsVariables(start.tls),
    ...launchVariables({
      run: start.run,
      runFolder: folder,
      pUid: String(spec.pUid),
      processName: spec.name,
      nodeIndex: index,
      nodes,
      nodeCpus: cpus,
      globalServices: globalServices?.address ?? 'none',
      nodeAddress: address,
    }),
  };
}

/** The control plane is where the store says, and never in a process of the application. */
function storeVariables({ address, leaseMs }: RunStore): Readonly<Record<string, string>> {
  return { MILLRACE_CLUSTER_STORE: address, MILLRACE_CLUSTER_ROLE: 'member', MILLRACE_LEASE_MS: String(leaseMs) };
}

function tlsVariables(tls: RunStart['tls']): Readonly<Record<string, string>> {
  if (tls === undefined) return {};
  return {
    MILLRACE_TLS_CERT_FILE: tls.tlsCertFile,
    MILLRACE_TLS_KEY_FILE: tls.tlsKeyFile,
    MILLRACE_TLS_CA_FILE: tls.tlsCaFile,
    MILLRACE_KEY_FILE_READERS: tls.keyFileReaders,
  };
}

/** One partition for each processor of the node, unless a user has said otherwise. */
function allocated(cpus: number): Readonly<Record<string, string>> {
  if (cpus === 1 || process.env['MILLRACE_PARTITIONS'] !== undefined) return {};
  return { MILLRACE_PARTITIONS: String(cpus), MILLRACE_PLACEMENT: process.env['MILLRACE_PLACEMENT'] ?? 'thread' };
}

/** One stream of a process, on its way to the launcher. */
interface Forwarded {
  /** Resolves when the stream has ended and everything was taken. */
  readonly done: Promise<void>;
  /** Chunks that have arrived, and whether one is not taken yet. */
  readonly state: () => { readonly arrived: number; readonly isTaking: boolean };
}

function forwarded(from: Readable, isError: boolean, { pUid, name }: v1.ProcessToStart, output: Output): Forwarded {
  let taking = 0;
  let taken = Promise.resolve();
  let arrived = 0;
  const done = new Promise<void>((resolve) => {
    let hasEnded = false;
    from.on('data', (text: Buffer) => {
      taking += 1;
      arrived += 1;
      from.pause();
      // Node resumes the streams of a process that exits, also those that are paused: chunks come while one is taken, and wait for it.
      taken = taken
        .then(() => output({ pUid, process: name, isError, text }))
        .finally(() => {
          taking -= 1;
          if (taking > 0) return;
          if (hasEnded) resolve();
          else from.resume();
        });
    });
    from.on('error', () => {});
    from.on('close', () => {
      hasEnded = true;
      if (taking === 0) resolve();
    });
  });
  return { done, state: () => ({ arrived, isTaking: taking > 0 }) };
}

function endOf(
  child: ChildProcess,
  pid: number,
  streams: readonly Forwarded[],
  { spec, scheduler, log }: ManagedStart,
): StartedProcess['ended'] {
  return new Promise((resolve) => {
    // A signal that could not be sent, for example. 'exit' reports the end in any case.
    child.on('error', () => {});
    child.on('exit', (code, signalName) => {
      // What it has started in its group ends with it. A process there may run as another user by now.
      const error = killGroup(pid);
      if (error !== undefined) log.warn(`what ${spec.name} has started goes on`, { pUid: spec.pUid, error });
      const arrived = (): number => streams.reduce((sum, { state }) => sum + state().arrived, 0);
      let known = arrived();
      let timer = scheduler.setTimer(LAST_OUTPUT_MS, function leave(): void {
        const isIdle = known === arrived() && !streams.some(({ state }) => state().isTaking);
        known = arrived();
        if (isIdle) child.stdio.forEach((stream) => stream?.destroy());
        else timer = scheduler.setTimer(LAST_OUTPUT_MS, leave);
      });
      void Promise.all(streams.map(({ done }) => done)).then(() => {
        scheduler.clearTimer(timer);
        child.stdio.forEach((stream) => stream?.destroy());
        resolve(signalName === null ? { code: code ?? 0 } : { signal: signalName });
      });
    });
  });
}

function signal(child: ChildProcess, pid: number, name: string): void {
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new ConfigError(`${name} is no signal: SIGTERM, SIGKILL or the like.`);
  const error = name === 'SIGKILL' ? killGroup(pid) : undefined;
  child.kill(number);
  if (error !== undefined) throw error;
}

/** SIGKILL to all processes of a group. Returns why that was refused: this is called by listeners, in which an error would end the node. */
function killGroup(pid: number): ConfigError | undefined {
  try {
    process.kill(-pid, 'SIGKILL');
    return undefined;
  } catch (cause) {
    if (codeOf(cause) === 'ESRCH') return undefined;
    return new ConfigError(`Process group ${pid} cannot be ended: ${messageOf(cause)}.`, { cause });
  }
}
