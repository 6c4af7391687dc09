import { Duplex } from 'node:stream';
import { ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { RepeatCounters } from '../transport.js';
import type { Scheduler } from '../../scheduler/index.js';
import { Alarm } from './alarm.js';
import { ahead, type Header, headerBytes, MessageKind } from './message.js';
import { Unread } from './unread.js';
import { Unreceived } from './unreceived.js';

/** Counters that grow: of one connection, and of all of a transport. */
export type GrowingCounters = { -readonly [Name in keyof RepeatCounters]: number };

export interface NumberedStreamOptions {
  readonly scheduler: Scheduler;
  /** What carries it, as `Carrier.medium`. */
  readonly medium: string;
  /** Totals of the transport. */
  readonly totals: GrowingCounters;
  /** Hands a message to ZeroMQ, which may lose it. `payload` stays as it is until the peer has read it. */
  readonly send: (header: Uint8Array, payload: Uint8Array | undefined) => void;
}

/** The part of the window that may be read without a report of it. */
const REPORTED_PART = 4;
/** A peer that asks again for the same messages sooner than this gets them once, in ms. */
const REPEAT_PAUSE_MS = 20;
const NO_BYTES = new Uint8Array(0);

interface Chunk {
  readonly chunk: Uint8Array;
}

/**
 * A stream of bytes over messages that may be lost, which ZeroMQ loses when it connects again. Messages have numbers. What the peer has not
 * read is kept, and sent again when the peer sees a gap, or has lost the last one and is asked.
 *
 *     data 0, data 1, data 2 -->                          (1 is lost)
 *                            <-- repeat 1
 *     data 1, data 2         -->
 *                            <-- report, received 3
 *     end 3                  -->                          (lost)
 *     probe 4                -->                          after zmqProbeMs without a report
 *                            <-- repeat 3
 */
export class NumberedStream extends Duplex {
  readonly medium: string;
  readonly #counters: GrowingCounters = { dropped: 0, sentAgain: 0, receivedAgain: 0 };
  readonly #options: NumberedStreamOptions;
  readonly #unreceived: Unreceived;
  readonly #unread: Unread;
  readonly #report: Alarm;
  readonly #probe: Alarm;
  readonly #absence: Alarm;
  /** Bytes read, and not reported. */
  #owed = 0;
  /** The number from which the peer was asked to repeat. */
  #missing: number | undefined;
  #repeatedFrom: number | undefined;
  #repeatedAtMs = 0;
  #wants = false;
  #written: (() => void) | undefined;
  #ended: (() => void) | undefined;

  constructor(options: NumberedStreamOptions) {
    super({ allowHalfOpen: false, readableHighWaterMark: limits.zmqMessageBytes });
    const { scheduler } = options;
    this.medium = options.medium;
    this.#options = options;
    this.#unreceived = new Unreceived((kind, sequence, payload) => this.#transmit(kind, sequence, payload));
    this.#unread = new Unread();
    this.#report = new Alarm(scheduler, () => this.#sendReport());
    this.#probe = new Alarm(scheduler, () => this.#sendProbe());
    this.#absence = new Alarm(scheduler, () => this.#gone('the peer has not connected again'));
  }

  /** A message of the peer has arrived. One that breaks the rules ends the stream. */
  arrived(header: Header, payload: Uint8Array): void {
    if (this.destroyed) return;
    this.#absence.clear();
    if (header.kind === MessageKind.reset) return this.#gone('the process at the other end has ended the connection');
    if (!this.#received(header.received)) return;
    const { kind, sequence } = header;
    if (kind === MessageKind.data || kind === MessageKind.end) this.#take(kind, sequence, payload);
    else if (kind === MessageKind.probe) this.#answer(sequence);
    else if (kind === MessageKind.repeat) this.#repeat(sequence);
  }

  get repeats(): RepeatCounters {
    return this.#counters;
  }

  /** ZeroMQ has not taken a message: it is sent again. */
  dropped(): void {
    this.#count('dropped');
  }

  /** ZeroMQ has no connection to the peer. It has a while to connect again. */
  absent(): void {
    if (!this.destroyed) this.#absence.setIfUnset(limits.zmqReconnectMs);
  }

  /** ZeroMQ has connected again. What was on its way may be lost. */
  returned(): void {
    this.#absence.clear();
    this.probe();
  }

  /** Asks the peer what it has received: the connection may be gone, or a new one. */
  probe(): void {
    if (!this.destroyed) this.#transmit(MessageKind.probe, this.#unreceived.next, undefined);
  }

  override _read(): void {
    this.#wants = true;
    this.#deliver();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  /** What was written while the stream was corked leaves in as few messages as their bound allows. */
  override _writev(chunks: readonly Chunk[], done: () => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    for (let start = 0; start < bytes.length; start += limits.zmqMessageBytes) {
      this.#unreceived.add(MessageKind.data, bytes.subarray(start, start + limits.zmqMessageBytes));
    }
    this.#written = done;
    this.#continue();
  }

  override _final(done: () => void): void {
    this.#unreceived.add(MessageKind.end, NO_BYTES);
    this.#ended = done;
    this.#continue();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const alarm of [this.#report, this.#probe, this.#absence]) alarm.clear();
    const isOver = this.#unread.hasEnded && this.#unreceived.hasEnded;
    if (!isOver) this.#transmit(MessageKind.reset, this.#unreceived.next, undefined);
    done(error);
    // Whoever has written gets the memory back.
    this.#written?.();
  }

  #count(what: keyof RepeatCounters, messages = 1): void {
    this.#counters[what] += messages;
    this.#options.totals[what] += messages;
  }

  // ---- sending

  #transmit(kind: MessageKind, sequence: number, payload: Uint8Array | undefined): void {
    // Every message reports what was read.
    this.#owed = 0;
    this.#report.clear();
    this.#options.send(headerBytes({ kind, sequence, received: this.#unread.received }), payload);
  }

  /** Sends what the window has room for. */
  #continue(): void {
    this.#unreceived.send();
    if (!this.#unreceived.isEmpty) this.#probe.setIfUnset(limits.zmqProbeMs);
    if (this.#unreceived.isWaiting) return;
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  /** Returns false if the peer has received what was never sent. */
  #received(number: number): boolean {
    const count = this.#unreceived.received(number);
    if (count === undefined) {
      this.destroy(new ProtocolError('The peer has received a message that was not sent.'));
      return false;
    }
    if (count === 0) return true;
    this.#probe.clear();
    if (this.#unreceived.hasEnded) this.#ended?.();
    else this.#continue();
    return !this.destroyed;
  }

  #sendProbe(): void {
    if (this.#unreceived.isEmpty) return;
    this.#probe.setLonger(limits.zmqReconnectMs);
    this.probe();
  }

  /** The peer has lost messages. */
  #repeat(from: number): void {
    const nowMs = this.#options.scheduler.now();
    if (from === this.#repeatedFrom && nowMs - this.#repeatedAtMs < REPEAT_PAUSE_MS) return;
    this.#repeatedFrom = from;
    this.#repeatedAtMs = nowMs;
    this.#count('sentAgain', this.#unreceived.repeat(from));
  }

  // ---- receiving

  #take(kind: MessageKind, sequence: number, payload: Uint8Array): void {
    const gap = ahead(sequence, this.#unread.expected);
    if (gap < 0) {
      this.#count('receivedAgain');
      this.#report.setIfUnset(limits.takenReportMs);
      return;
    }
    if (gap > 0) return this.#askFor(this.#unread.expected);
    this.#missing = undefined;
    if (!this.#unread.add(kind, payload)) {
      return void this.destroy(new ProtocolError('The peer sent more than it may before it is read.'));
    }
    this.#deliver();
  }

  /** Asks once for what is missing: all that follows would be asked for again. */
  #askFor(number: number): void {
    if (this.#missing === number) return;
    this.#missing = number;
    this.#transmit(MessageKind.repeat, number, undefined);
  }

  #answer(sequence: number): void {
    this.#missing = undefined;
    if (ahead(sequence, this.#unread.expected) > 0) this.#askFor(this.#unread.expected);
    else this.#sendReport();
  }

  #deliver(): void {
    while (this.#wants && !this.destroyed) {
      const message = this.#unread.take();
      if (message === undefined) return;
      this.#owed += message.cost;
      if (message.kind === MessageKind.end) {
        this.#sendReport();
        this.#wants = false;
        this.push(null);
        return;
      }
      if (this.#owed * REPORTED_PART >= limits.zmqWindowBytes) this.#sendReport();
      else this.#report.setIfUnset(limits.takenReportMs);
      this.#wants = this.push(message.payload);
    }
  }

  #sendReport(): void {
    this.#transmit(MessageKind.report, this.#unreceived.next, undefined);
  }

  /** The peer has ended. Where it has said so before, and this end has too, nothing is missing but its last report. */
  #gone(why: string): void {
    const isOver = this.#unread.hasEnded && this.writableEnded;
    this.destroy(isOver ? undefined : new UnreachableError(why));
  }
}
