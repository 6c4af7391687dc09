import { expect } from 'chai';
import { Processes, type StartedProcess } from '#src/actors/services/index.js';
import { Deferred } from '#src/deferred.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';

type Exit = Awaited<StartedProcess['ended']>;

describe('the processes of a shepherd', () => {
  let scheduler: VirtualScheduler;
  let ends: Deferred<Exit>[];
  let signals: string[];
  let exits: bigint[];
  /** What a signal does: ends the process, does nothing, or cannot be sent. */
  let atSignal: (end: Deferred<Exit>, signal: string) => void;
  let processes: Processes;

  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 1 });
    ends = [];
    signals = [];
    exits = [];
    atSignal = (end, signal) => end.resolve({ signal });
    processes = new Processes({
      scheduler,
      start: () => {
        const end = new Deferred<Exit>();
        ends.push(end);
        const signal = (name: string): void => {
          signals.push(name);
          atSignal(end, name);
        };
        return { pid: ends.length, ended: end.promise, signal };
      },
      exited: ({ pUid }) => exits.push(pUid),
    });
  });

  afterEach(() => scheduler.close());

  const start = (pUid: bigint) => processes.start(v1.ProcessToStart.create({ pUid }));

  it('are started once for each p_uid, also when they have ended', async () => {
    expect(start(7n)).to.deep.equal({ pUid: 7n, pid: 1 });
    expect(start(7n)).to.deep.equal({ pUid: 7n, pid: 1 });
    expect(await processes.end(7n, 100)).to.include({ signal: 'SIGTERM' });
    expect(start(7n)).to.deep.equal({ pUid: 7n, pid: 1 });
    expect(await processes.end(7n, 100)).to.include({ signal: 'SIGTERM' });
    expect(ends).to.have.length(1);
  });

  it('are known to global services that follow others, whose late orders start nothing', async () => {
    processes.start(v1.ProcessToStart.create({ pUid: 7n, name: 'one', requester: 'a process', tag: 2n, epoch: 1n }));
    start(5n);
    await processes.end(5n, 100).catch(() => {});
    const [ended, alive] = processes.inventory(2n);
    expect(ended).to.include({ pUid: 5n, pid: 2 });
    expect(ended?.exit).to.include({ signal: 'SIGTERM' });
    expect(alive).to.include({ pUid: 7n, name: 'one', pid: 1, requester: 'a process', tag: 2n, exit: undefined });
    const late = v1.ProcessToStart.create({ pUid: 8n, epoch: 1n });
    expect(() => processes.start(late)).to.throw(ConfigError, 'other global services have followed');
    expect(processes.inventory(1n)).to.have.length(2);
    expect(() => processes.start(late)).to.throw(ConfigError);
    expect(processes.start({ ...late, epoch: 2n })).to.include({ pid: 3 });
  });

  it('are forgotten when they have ended, the oldest first, and none of those is started again', async () => {
    const count = limits.endedProcesses + 100;
    for (let pUid = 0; pUid < count; pUid++) {
      start(BigInt(pUid));
      ends[pUid]?.resolve({ code: 0 });
      await ends[pUid]?.promise;
    }
    start(BigInt(count));
    expect(exits).to.have.length(count);
    expect(processes.size).to.equal(limits.endedProcesses + 1);
    for (const pUid of [0n, 99n]) {
      expect(() => start(pUid)).to.throw(ConfigError, `Process ${pUid} has ended long ago`);
      expect((await rejection(processes.end(pUid, 1))).message).to.include('No process of this node');
    }
    expect(start(100n)).to.deep.equal({ pUid: 100n, pid: 101 });
    expect(ends).to.have.length(count + 1);
  });

  it('are sent SIGKILL when they ignore SIGTERM for as long as they may', async () => {
    atSignal = (end, signal) => void (signal === 'SIGKILL' && end.resolve({ signal }));
    start(1n);
    const startedMs = scheduler.now();
    expect(await processes.end(1n, 300)).to.include({ signal: 'SIGKILL' });
    expect(scheduler.now() - startedMs).to.equal(300);
    expect(signals).to.deep.equal(['SIGTERM', 'SIGKILL']);
  });

  it('which SIGKILL does not end are an error with the reason, and the others end', async () => {
    for (const pUid of [1n, 2n, 3n]) start(pUid);
    atSignal = (end, signal) => {
      if (end === ends[1]) throw new ConfigError('kill EPERM.');
      end.resolve({ signal });
    };
    const error = await rejection(processes.close(100));
    expect(error).to.be.instanceOf(UnreachableError);
    expect(error.message).to.match(/^Process 2 .* of SIGKILL: kill EPERM\.$/);
    expect(exits).to.deep.equal([3n, 1n]);
    expect(() => processes.signal(2n, 'SIGUSR1')).to.throw(ConfigError, 'cannot be sent SIGUSR1: kill EPERM.');
    expect(() => start(4n)).to.throw(ConfigError, 'torn down');
    atSignal = () => {};
    expect((await rejection(processes.end(2n, 0))).message).to.match(/waits in the system/);
  });
});
