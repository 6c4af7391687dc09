import { fileURLToPath } from 'node:url';

/** The checkout that these tests belong to. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
