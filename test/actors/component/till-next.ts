import { tillOf } from './till.js';

export const till = tillOf(import.meta.url, { version: 2 });
