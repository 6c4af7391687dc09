/** A process of its own: a member of a network that it joins by seeds alone. Its options are those of the environment. */
import { behavior } from '#src/actors/kernel/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import { answerCommands } from '../../system/commanded-process.js';

const runtime = await Runtime.start({ log: silentLogger });
const numbered = behavior(v1.PartitionRuntime, { describe: () => ({ ordinal: process.pid }) });

const commands = {
  members: async () => runtime.members(),
  network: async () => runtime.network(),
  register: async (name: string) => runtime.register(name, runtime.spawn(numbered)),
  ask: async (name: string) => {
    const ref = await runtime.lookup(v1.PartitionRuntime, name, { timeoutMs: 20_000 });
    return (await ref.describe({})).ordinal;
  },
  stop: async () => {
    await runtime.stop();
    return runtime.leftovers;
  },
};

answerCommands(commands, { address: runtime.controlPlane, members: runtime.members().length });
