import { describeFields, type Logger, writingLogger } from '../../../logging/index.js';
import type { v1 } from '../../../protocol/on-demand/index.js';

/** Records that are kept until the host can receive them. */
const MAX_KEPT = 1_000;

/** A logger that sends its records to the partition's host, which writes them. */
export class RemoteLog {
  readonly logger: Logger;
  readonly #launch: string;
  #send: ((record: v1.PartitionLogInit) => void) | undefined;
  #kept: v1.PartitionLogInit[] = [];
  #isSending = false;

  constructor(launch: string) {
    this.#launch = launch;
    this.logger = writingLogger('debug', (name, message, fields) =>
      this.#write({ launch: this.#launch, level: name, message, fields: JSON.stringify(describeFields(fields)) }),
    );
  }

  /** Sends the kept records, and from now on every record. */
  sendTo(send: (record: v1.PartitionLogInit) => void): void {
    this.#send = send;
    for (const record of this.#kept.splice(0)) this.#write(record);
  }

  #write(record: v1.PartitionLogInit): void {
    if (this.#send === undefined) {
      if (this.#kept.length < MAX_KEPT) this.#kept.push(record);
      return;
    }
    // Sending may itself log a record. That record is not sent, which prevents endless recursion.
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      this.#send(record);
    } catch {
      // The host is unreachable, so the partition will end soon.
    } finally {
      this.#isSending = false;
    }
  }
}
