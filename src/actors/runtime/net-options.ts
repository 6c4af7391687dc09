import type { LinkSecurity, ListenOptions } from '../../transport/index.js';

/** Links between this process and other processes of the operating system. */
export interface NetOptions extends ListenOptions, LinkSecurity {
  /** Links through UCX. `auto` (default): where it is installed; `required`: the runtime does not start without it. */
  readonly ucx?: 'auto' | 'off' | 'required';
  /** Network interfaces on which every user is trusted, for UCX over TCP. Default: none, so UCX does not use TCP. */
  readonly ucxInterfaces?: readonly string[];
}

/** The link settings of every partition of a process, as plain data. */
export interface LinkSettings {
  readonly net: NetOptions;
  readonly linkDeadMs?: number | undefined;
}
