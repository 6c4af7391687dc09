import type { LogFields, Logger } from './logger.js';

/** Hands records on, its children's too, until it is closed: of what is dead nobody should hear. */
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
