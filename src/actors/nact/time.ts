/** nact's units of time, for `shutdownAfter` and `query`; and `messages`, for `snapshotEvery`. */
export type Milliseconds = number;

export const millisecond: Milliseconds = 1;
export const milliseconds: Milliseconds = millisecond;
export const second: Milliseconds = 1_000;
export const seconds: Milliseconds = second;
export const minute: Milliseconds = 60 * seconds;
export const minutes: Milliseconds = minute;
export const hour: Milliseconds = 60 * minutes;
export const hours: Milliseconds = hour;
export const message = 1;
export const messages: number = message;
