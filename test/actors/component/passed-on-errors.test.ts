import { expect } from 'chai';
import { passedOnError } from '#src/actors/component/gateway/passed-on-errors.js';
import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CallChainError,
  CircuitOpenError,
  ConfigError,
  HandlerError,
  PersistenceError,
  ProtocolError,
  ReentrantAskError,
  RefusedError,
  ResourceError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { fromWire, toWire } from '#src/protocol/errors/index.js';

const passedOn = (error: unknown) => passedOnError('shop.Stock.Take', 'depot', error);

describe('the error of a request that a gateway has passed on', () => {
  it('is the answer of the handler, where that has answered', () => {
    for (const error of [new HandlerError('13'), new RefusedError('none', { reason: 'SOLD_OUT' })]) {
      expect(passedOn(error)).to.equal(error);
    }
  });

  it('keeps the class by which a caller knows what to do, and names nothing of the other network', () => {
    const kept = [
      new AskTimeoutError('/secret'),
      new BackpressureError('/secret', { retryAfterMs: 7 }),
      new CircuitOpenError('/secret', { retryAfterMs: 7 }),
      new CallChainError('/secret'),
      new ReentrantAskError('/secret'),
      new ProtocolError('/secret'),
    ];
    for (const error of kept) {
      const { code, message, cause } = passedOn(error);
      expect(code).to.equal(error.code);
      expect(message).to.include('"depot"').and.not.include('secret');
      expect(cause).to.equal(undefined);
    }
    expect(passedOn(kept[1])).to.include({ retryAfterMs: 7 });
    expect(passedOn(kept[2])).to.include({ retryAfterMs: 7 });
  });

  it('is that the container is not reached, for all others', () => {
    const others = [
      new AskAbortedError('/secret'),
      new StoppedError('/secret'),
      new ConfigError('/secret'),
      new ResourceError('/secret'),
      new PersistenceError('/secret'),
      new UnreachableError('/secret'),
      new RangeError('/secret'),
    ];
    for (const error of others) {
      const shown = passedOn(error);
      expect(shown).to.be.instanceOf(UnreachableError).and.include({ isUnsent: false });
      expect(shown.message).to.include('"depot"').and.not.include('secret');
    }
  });

  it('says that nobody has handled the request, also when it has come over a link', () => {
    const unsent = passedOn(new UnreachableError('/secret', { isUnsent: true }));
    expect(unsent).to.be.instanceOf(UnreachableError).and.include({ isUnsent: true });
    expect(fromWire(toWire(unsent))).to.include({ isUnsent: true, code: 'UNREACHABLE' });
    expect(fromWire(toWire(passedOn(new UnreachableError('gone'))))).to.include({ isUnsent: false });
  });
});
