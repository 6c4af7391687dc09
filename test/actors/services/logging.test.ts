import { expect } from 'chai';
import { LoggingService } from '#src/actors/services/index.js';
import { Deferred } from '#src/deferred.js';
import { ProtocolError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { v1 } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';

describe('the logging of a node', () => {
  it('loses no more than the batch that could not be sent, and says how many records that were', async () => {
    const sent: v1.LogRecordsInit[] = [];
    let fails = true;
    const service = new LoggingService(new RealScheduler(), async (batch) => {
      const failing = fails;
      fails = false;
      if (failing) throw new ProtocolError('too large');
      sent.push(batch);
    });
    const log = service.logger('node');
    for (let count = 0; count < 250; count++) log.info(`record ${count}`);
    await service.flush();
    expect(sent.map(({ records = [], dropped }) => [records.length, dropped])).to.deep.equal([[50, 200]]);
    log.error('the last');
    await service.flush();
    expect(sent.map(({ dropped }) => dropped)).to.deep.equal([200, 0]);
  });

  it('keeps a bounded number of errors of the node itself while the launcher takes none, and counts the others', async () => {
    const sent: v1.LogRecordsInit[] = [];
    const taken = new Deferred<void>();
    const service = new LoggingService(new RealScheduler(), async (batch) => {
      await taken.promise;
      sent.push(batch);
    });
    const log = service.logger('node');
    for (let count = 0; count < 2 * limits.loggedRecords + 7; count++) log.error(`record ${count}`);
    taken.resolve();
    await service.flush();
    expect(sent.reduce((sum, { records = [] }) => sum + records.length, 0)).to.equal(2 * limits.loggedRecords);
    expect(sent.reduce((sum, { dropped = 0 }) => sum + dropped, 0)).to.equal(7);
  });

  it('ends its waiting when the launcher has gone', async () => {
    let calls = 0;
    const service = new LoggingService(new RealScheduler(), async () => {
      calls++;
      throw new UnreachableError('gone');
    });
    const log = service.logger('node');
    for (let count = 0; count < 500; count++) log.error(`record ${count}`);
    await service.flush();
    expect(calls).to.equal(1);
  });
});
