import type { LinkSecurity, ListenOptions } from '../../transport/index.js';
import type { TransportSettings } from '../../transport/kinds/index.js';

/** Links between this process and other processes of the operating system. */
export interface NetOptions extends ListenOptions, LinkSecurity, TransportSettings {}

/** The link settings of every partition of a process, as plain data. */
export interface LinkSettings {
  readonly net: NetOptions;
  readonly linkDeadMs?: number | undefined;
  /** Names of transports that the process has found not to be usable, and has logged. */
  readonly without?: readonly string[];
}
