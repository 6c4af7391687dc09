import { namedMessageOf, promiseOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { ZombieResponse } from './life-cycle.js';

/** What has happened in the pool of a component. Times are in ms of the scheduler. */
export type ComponentEvent = { readonly component: string; readonly atMs: number } & (
  | { readonly kind: 'started'; readonly tookMs: number }
  | { readonly kind: 'start-failed'; readonly error: Error }
  /** A container, or the link to it, was lost. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'wedged'; readonly response: ZombieResponse }
  | { readonly kind: 'recycled'; readonly handled: number }
  /** A request has got a container, which may have made it wait. */
  | { readonly kind: 'leased'; readonly waitedMs: number }
  /** A request was answered, also with an error of its handler. */
  | { readonly kind: 'answered'; readonly tookMs: number }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'replaced'; readonly version: string }
  | { readonly kind: 'replace-failed'; readonly error: Error }
);

/** Hears of all events of a network. It is called while requests wait: hand over what takes long. */
export type ComponentObserver = (event: ComponentEvent) => unknown;

/** What the observer throws, or rejects with, is logged once, and fails nothing. */
export function guardedObserver(observe: ComponentObserver | undefined, log: Logger): ComponentObserver {
  if (observe === undefined) return () => {};
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    log.warn('an observer of components has failed; this is said once, and nothing else fails', {
      error: namedMessageOf(error),
    });
  };
  return (event) => {
    try {
      promiseOf(observe(event))?.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
