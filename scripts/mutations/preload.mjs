// Loaded before the command, in each of its threads. It replaces a file of dist/ by the mutated one.
import { register } from 'node:module';

register('./loader.mjs', import.meta.url, {
  data: { url: process.env.MILLRACE_MUTATED_URL, file: process.env.MILLRACE_MUTATED_FILE },
});
