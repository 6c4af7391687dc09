import { describeFields, type Logger, writingLogger } from '../../../logging/index.js';
import type { v1 } from '../../../protocol/index.js';

/** Records that are kept until there is somebody to send them to. */
const MAX_KEPT = 1_000;

/** A logger whose records are written somewhere else: where the host of the partition is. */
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

  /** From here on records are sent, those kept so far first. */
  sendTo(send: (record: v1.PartitionLogInit) => void): void {
    this.#send = send;
    for (const record of this.#kept.splice(0)) this.#write(record);
  }

  #write(record: v1.PartitionLogInit): void {
    if (this.#send === undefined) {
      if (this.#kept.length < MAX_KEPT) this.#kept.push(record);
      return;
    }
    // Sending may itself have something to log, which must not be sent for ever.
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      this.#send(record);
    } catch {
      // The host cannot be told; the partition ends by that soon.
    } finally {
      this.#isSending = false;
    }
  }
}
