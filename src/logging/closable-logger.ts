import type { LogFields, Logger } from './logger.js';

/** A logger that forwards its records and those of its children, and drops them after `close`. */
export function closableLogger(to: Logger): { readonly log: Logger; readonly close: () => void } {
  const state = { isOpen: true };
  return {
    log: handingOn(to, state),
    close: () => {
      state.isOpen = false;
    },
  };
}

function handingOn(to: Logger, state: { readonly isOpen: boolean }): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (state.isOpen) to[level](message, fields);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => handingOn(to.child(fields), state),
  };
}
