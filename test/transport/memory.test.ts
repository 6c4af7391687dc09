import { RealScheduler, VirtualScheduler } from '#src/scheduler/index.js';
import type { Scheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';
import type { Faults } from '#src/transport/memory/index.js';
import { describeTransport } from './compliance.js';
import type { TransportFixture } from './compliance.js';

function memoryFixture(scheduler: Scheduler, faults: Partial<Faults>, end: () => void): TransportFixture {
  const network = new MemoryNetwork({ scheduler, ...faults });
  const processes = new Map<Transport, string>();
  const create = async (): Promise<Transport> => {
    const process = `process-${processes.size}`;
    const transport = network.transport({ node: 'node-1', process });
    processes.set(transport, process);
    return transport;
  };
  return {
    scheduler,
    isPoisoning: true,
    create,
    refusedAddress: async () => 'memory://node-1/nobody/0',
    silentAddress: async () => {
      network.partition(['node-1'], ['node-9']);
      return 'memory://node-9/process-0/0';
    },
    kill: async (transport) => network.crash(`node-1/${processes.get(transport)}`),
    leftovers: () => ({ ...network.statistics, pendingTimers: scheduler.pendingTimers }),
    close: async () => end(),
  };
}

async function real(faults: Partial<Faults>): Promise<TransportFixture> {
  return memoryFixture(new RealScheduler(), faults, () => {});
}

async function virtual(faults: Partial<Faults>): Promise<TransportFixture> {
  const scheduler = new VirtualScheduler({ seed: 7 });
  return memoryFixture(scheduler, faults, () => scheduler.close());
}

describeTransport('memory (real time)', () => real({}));
describeTransport('memory (real time, slow)', () => real({ latencyMs: 0.5, jitterMs: 0.5 }));
describeTransport('memory (virtual time)', () => virtual({}));
describeTransport('memory (virtual time, slow)', () => virtual({ latencyMs: 10, jitterMs: 5 }));
