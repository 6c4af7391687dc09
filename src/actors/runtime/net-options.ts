import type { LinkSecurity, ListenOptions } from '../../transport/index.js';

/** How processes of the operating system reach this one, and how it reaches them. */
export interface NetOptions extends ListenOptions, LinkSecurity {
  /** Links through UCX. Default `auto`: where it is; `required`: nothing starts without it. */
  readonly ucx?: 'auto' | 'off' | 'required';
  /** Network interfaces whose every user is trusted, for UCX over TCP. Default: none, and no TCP by UCX. */
  readonly ucxInterfaces?: readonly string[];
}

/** What every partition of a process needs to know of links, as plain data. */
export interface LinkSettings {
  readonly net: NetOptions;
  readonly linkDeadMs?: number | undefined;
}
