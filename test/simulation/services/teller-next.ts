import { tellerOf } from './teller.js';

export const teller = tellerOf(import.meta.url, '2');
