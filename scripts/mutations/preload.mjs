// Loaded before the command, into each of its threads: from here on the mutated file stands in for the one of dist/.
import { register } from 'node:module';

register('./loader.mjs', import.meta.url, {
  data: { url: process.env.MILLRACE_MUTATED_URL, file: process.env.MILLRACE_MUTATED_FILE },
});
