/** `millrace join`: a worker on this host for a cluster or run that is up. */
import type { Command } from 'commander';
import { netSettings } from '../actors/runtime/index.js';
import { ConfigError, Runtime } from '../index.js';
import { optionTable, type OptionValues, readOptionsFile, resolveOptions } from '../options/index.js';
import { isLocal, parseAddress, type SocketAddress } from '../socket-address.js';
import { shownAddress } from '../transport/stack/index.js';
import { JOIN_EXIT_CODES, ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { joinRun } from './join-run.js';
import { say } from './output.js';
import { partitionsOf, placementOf, wholeNumber } from './run-options.js';
import { checkFlag, sharedOptions } from './shared-options.js';

interface JoinFlags {
  readonly to: readonly string[];
  readonly node?: string;
  readonly partitions?: OptionValues['partitions'];
  readonly placement?: OptionValues['placement'];
  readonly patience: number;
}

/** Time in ms between two looks at the control plane. */
const LOOK_MS = 500;

export function addJoin(command: Command, interrupts: Interrupts): void {
  command
    .command('join')
    .summary('Offer the partitions of a process on this host to a cluster or run that is up.')
    .description(
      'Starts a process that joins a cluster, a run of millrace up or any other, and offers its partitions: pipelines that start later have segments there, and actors are ' +
        'placed there. It needs the key or certificates of the cluster, as every process that joins. A signal ends it in order: its actors and segments stop. ' +
        'In a run of millrace up it is a node, which millrace ps, inspect, logs and stop know.',
    )
    .requiredOption(
      '--to <address...>',
      'the control plane, as millrace inspect prints it; it may have several addresses',
    )
    .option(
      '--node <name>',
      'name of the node, for placement, which no other node of the run has (default: the option nodeName, or the host name)',
    )
    .option('--partitions <n>', `partitions of the process: ${optionTable.partitions.accepts}`, partitionsOf)
    .option(
      '--placement <where>',
      `where all partitions but the first run: ${optionTable.placement.accepts}`,
      placementOf,
    )
    .option(
      '--patience <s>',
      'seconds without the control plane after which it ends; a run of millrace up decides itself',
      wholeNumber(1, 86_400),
      60,
    )
    .addHelpText('after', `\n${JOIN_EXIT_CODES}`)
    .action(async (flags: JoinFlags) => {
      process.exitCode = await join(flags, interrupts);
      process.exit();
    });
}

async function join(flags: JoinFlags, interrupts: Interrupts): Promise<number> {
  const { to, node, partitions, placement, patience } = flags;
  const controlPlane = to.join(' ');
  checkFlag('--to', 'controlPlane', controlPlane === 'none' ? '' : controlPlane);
  const { values, provenance } = resolveOptions({ env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const listen = provenance.listen.source === 'default' ? listenBeside(controlPlane) : values.listen;
  const nodeName = node ?? values.nodeName;
  const net = await netSettings({ ...values, listen });
  if (net?.key === undefined && net?.tls === undefined) {
    say(
      `joins ${shownAddress(controlPlane)} without a key: a cluster that has one lets nobody in without it (option clusterKeyFile)`,
    );
  }
  const ended = await joinRun({
    controlPlane,
    nodeName,
    net,
    environment: sharedOptions(flags),
    interrupts,
  });
  if (ended !== undefined) return ended;
  const runtime = await Runtime.start({
    controlPlane,
    listen,
    nodeName,
    name: `joined-${process.pid}`,
    ...(provenance.logLevel.source === 'default' && { logLevel: 'warn' }),
    ...(partitions !== undefined && { partitions }),
    ...(placement !== undefined && { placement }),
  });
  interrupts.begin(say);
  let reason: string | undefined;
  try {
    const count = runtime.health().partitions.length;
    say(`${runtime.node} has joined the cluster with ${count} ${count === 1 ? 'partition' : 'partitions'}`);
    const lost = new AbortController();
    reason = await Promise.race([interrupts.happened(), lostControlPlane(runtime, patience, lost.signal)]);
    lost.abort();
    await runtime.stop();
  } finally {
    interrupts.end();
  }
  if (reason === undefined) return interrupts.first?.exitCode ?? ExitCode.interrupted;
  say(reason);
  return ExitCode.partLost;
}

/** Where a process listens that is reached from where its control plane is. Throws ConfigError where only a user knows the name of this host. */
function listenBeside(controlPlane: string): string {
  // A control plane may have several addresses.
  const addresses = controlPlane.split(' ');
  if (addresses.some((address) => /^(unix|zmq\+ipc):/.test(address))) return 'unix:';
  if (addresses.some((address) => isLoopback(parseAddress(address)))) return 'tcp://127.0.0.1:0';
  throw new ConfigError(
    'Say where the other processes reach this one: MILLRACE_LISTEN=tcp://HOST:0, with a name or address of this host.',
  );
}

function isLoopback(address: SocketAddress | undefined): boolean {
  return (address?.scheme === 'tcp' || address?.scheme === 'zmq+tcp') && isLocal(address);
}

/** Resolves to a sentence when the control plane is gone for longer than the patience, or takes this process for ended. */
async function lostControlPlane(runtime: Runtime, patienceS: number, done: AbortSignal): Promise<string | undefined> {
  let lostMs = 0;
  while (!done.aborted) {
    await new Promise((resolve) => void setTimeout(resolve, LOOK_MS));
    const { controlPlane, isAlive } = runtime.health();
    if (!isAlive) return 'the cluster takes this process for ended: join it again';
    lostMs = controlPlane.isReachable ? 0 : lostMs + LOOK_MS;
    if (lostMs >= patienceS * 1_000)
      return `the control plane has not been reached for ${patienceS} s: the cluster has ended, or is cut off`;
  }
  return undefined;
}
