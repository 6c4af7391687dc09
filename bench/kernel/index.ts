import type { Question } from '../harness/question.js';
import { ask, askPipelined } from './ask.js';
import { idleActor } from './idle-actor.js';
import { ring } from './ring.js';
import { spawn } from './spawn.js';
import { tellBatch } from './tell-batch.js';

/** The questions about the kernel: actors of one partition, on one thread. */
export const questions: readonly Question[] = [tellBatch, ask, askPipelined, spawn, idleActor, ring];
