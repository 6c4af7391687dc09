import { expect } from 'chai';
import { bytesCodable, Descriptor, textCodable } from '#src/descriptors/index.js';
import { UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../support/rejection.js';
import { type Hub, type Node, overTheWire } from './hub.js';
import { describeWithSharedMemory } from './pools.js';
import { expectNothingLeft, sent, Trio } from './trio.js';

describeWithSharedMemory('a value on its way between processes that end, or lose it', () => {
  let trio: Trio;
  let hub: Hub;
  let owner: Node;
  let reader: Node;
  let third: Node;

  beforeEach(() => {
    trio = new Trio();
    ({ hub, owner, reader, third } = trio);
  });

  afterEach(() => hub.close());

  const born = (fill: number): Promise<Descriptor<Uint8Array>> => trio.born(fill);

  describe('that may be lost on its way', () => {
    /** Sends a value. */
    async function onItsWay(fill: number): Promise<v1.RemoteDescriptor> {
      return overTheWire(await owner.manager.describe(await born(fill), reader.name));
    }

    it('is free when the reader says that it did not come, and refused if it comes later, also when it is freed', async () => {
      const message = await onItsWay(1);
      hub.settleLost(owner, reader, [message]);
      // What never came takes no room at the reader, however often its owner asks.
      expect(reader.manager.statistics.held).to.equal(0);
      for (const _ of [1, 2]) {
        expect(() => reader.manager.receive(owner.name, message, bytesCodable)).to.throw(
          UnreachableError,
          'gave it up',
        );
        await hub.settle();
      }
      expectNothingLeft(owner, reader);
    });

    it('is read although another that was sent before it is lost, or comes later', async () => {
      const [lost, late, read] = [await onItsWay(1), await onItsWay(2), await onItsWay(3)];
      hub.settleLost(owner, reader, [lost]);
      for (const [message, fill] of [[read, 3] as const, [late, 2] as const]) {
        using descriptor = reader.manager.receive(owner.name, message, bytesCodable);
        expect((await descriptor.takeValue()).every((byte) => byte === fill)).to.equal(true);
      }
      await hub.settle();
      // From now on the reader knows the arena.
      const message = await onItsWay(4);
      expect(message.arenas).to.deep.equal([]);
      using descriptor = reader.manager.receive(owner.name, message, bytesCodable);
      expect((await descriptor.takeValue())[0]).to.equal(4);
      descriptor.dispose();
      await hub.settle();
      expectNothingLeft(owner, reader);
    });

    it('is free when it was forwarded, did not come, and the one that forwarded it has settled that', async () => {
      for (const to of [third, owner]) {
        const at = await sent(owner, reader, await born(1));
        const message = overTheWire(await reader.manager.describe(at, to.name));
        await hub.settle();
        expect(owner.pool.statistics.blocks).to.equal(1);
        hub.settleLost(reader, to, [message]);
        await hub.settle();
        expect(() => to.manager.receive(reader.name, message, bytesCodable)).to.throw(UnreachableError, 'gave it up');
        expectNothingLeft(owner, reader, third);
      }
    });

    it('is free when it was forwarded, and never sent', async () => {
      const at = await sent(owner, reader, await born(1));
      reader.manager.unsent(overTheWire(await reader.manager.describe(at, third.name)), third.name);
      await hub.settle();
      expectNothingLeft(owner, reader, third);
    });

    it('is held on when the reader says that it came', async () => {
      const message = await onItsWay(1);
      const descriptor = reader.manager.receive(owner.name, message, bytesCodable);
      hub.settleLost(owner, reader, [message]);
      await hub.settle();
      expect((await descriptor.takeValue())[0]).to.equal(1);
      descriptor.dispose();
      await hub.settle();
      expectNothingLeft(owner, reader);
    });

    it('is free when it was never sent, or its reader has ended', async () => {
      const [first, second] = [await onItsWay(1), await onItsWay(2)];
      owner.manager.unsent(first, reader.name);
      expect(owner.pool.statistics.blocks).to.equal(1);
      hub.kill(reader);
      hub.settleLost(owner, third, [second]);
      await hub.settle();
      expectNothingLeft(owner, third);
    });
  });

  describe('when a process is killed', () => {
    it('is free, when its owner ends in order', async () => {
      const read = await sent(owner, reader, await born(5));
      const value = await read.takeValue();
      owner.manager.close();
      owner.manager.close();
      expect(owner.pool.statistics.blocks).to.equal(0);
      expect(value[0]).to.equal(5);
      read.dispose();
    });

    it('is free, if that held it', async () => {
      const handles = [await sent(owner, reader, await born(1)), await sent(owner, third, await born(2))];
      const kept = await handles[1]?.takeValue();
      hub.kill(reader);
      await hub.settle();
      expect(owner.pool.statistics.blocks).to.equal(1);
      expect(kept?.[0]).to.equal(2);
      handles[1]?.dispose();
      await hub.settle();
      expectNothingLeft(owner, third);
    });

    it('stays readable, if that was its owner and it was read; what was not read yet is unreachable at once', async () => {
      const [read, unread] = [await sent(owner, reader, await born(1)), await sent(owner, reader, await born(2))];
      const value = await read.takeValue();
      hub.kill(owner);
      expect(value.every((byte) => byte === 1)).to.equal(true);
      const error = await rejection(unread.takeValue());
      expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes(owner.name);
      read.dispose();
      unread.dispose();
      expect(await rejection(sent(reader, owner, Descriptor.of(textCodable, 'x') as never))).to.be.instanceOf(
        UnreachableError,
      );
      expectNothingLeft(reader);
    });

    it('is unreachable for the one that waits for it, if that had forwarded it and nobody else holds it', async () => {
      const at = await sent(owner, reader, await born(1));
      const value = rejection((await sent(reader, third, at)).takeValue());
      hub.kill(reader);
      await hub.settle();
      const error = await value;
      expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('forwarded');
      expectNothingLeft(owner, third);
    });

    it('cannot be forwarded to one that has ended: it is given back at once', async () => {
      const at = await sent(owner, reader, await born(1));
      hub.kill(third);
      expect(await rejection(reader.manager.describe(at, third.name))).to.be.instanceOf(UnreachableError);
      await hub.settle();
      expectNothingLeft(owner, reader);
    });

    it('is unreachable at once for one that reads it after its claim was refused', async () => {
      const kept = await sent(owner, third, await born(1));
      const at = await sent(owner, reader, await born(1));
      const forwarded = await sent(reader, third, at);
      hub.kill(reader);
      await hub.settle();
      expect(await rejection(forwarded.takeValue())).to.be.instanceOf(UnreachableError);
      kept.dispose();
      await hub.settle();
      expectNothingLeft(owner, third);
    });

    it('is unreachable for a second descriptor, whose claim was refused when the first was given back', async () => {
      const object = await (await born(3)).takeHeld().encoded(owner.pool);
      const handle = await owner.manager.register(object);
      const first = third.manager.receive(owner.name, overTheWire(handle.sendTo(third.name)), bytesCodable);
      const at = reader.manager.receive(owner.name, overTheWire(handle.sendTo(reader.name)), bytesCodable);
      first.dispose();
      await hub.settle();
      const message = overTheWire(await reader.manager.describe(at, third.name));
      // The one that forwarded it gives it back before the claim comes: a bug of that process.
      const total = { object: message.object?.number ?? 0, total: 1 };
      owner.manager.control(
        reader.name,
        v1.DescriptorControl.create({ message: { case: 'releases', value: { totals: [total] } } }),
      );
      const second = third.manager.receive(reader.name, message, bytesCodable);
      await hub.settle();
      expect(await rejection(second.takeValue())).to.be.instanceOf(UnreachableError);
      second.dispose();
      handle.dispose();
      await hub.settle();
      expect(owner.pool.statistics.blocks).to.equal(0);
    });

    it('is not held for one to which it was forwarded, if that never claims it', async () => {
      const at = await sent(owner, reader, await born(1));
      await reader.manager.describe(at, third.name);
      hub.kill(third);
      await hub.settle();
      expectNothingLeft(owner, reader);
    });
  });
});
