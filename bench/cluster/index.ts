import type { Question } from '../harness/question.js';
import { askGroup } from './ask-group.js';
import { askThread } from './ask-thread.js';
import { killedLeader } from './killed-leader.js';
import { lookup } from './lookup.js';
import { failover, membership } from './membership.js';
import { place } from './place.js';

/** Actors elsewhere, names, groups, and what a cluster costs its members. */
export const questions: readonly Question[] = [place, lookup, askGroup, askThread, killedLeader, failover, membership];
