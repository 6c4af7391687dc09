import { tillOf } from './till.js';

export const till = tillOf(import.meta.url, { version: 3, reads: 3 });
