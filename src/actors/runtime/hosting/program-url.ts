/** Module that a thread or process runs to be a partition. It is found beside this one, whatever loads it. */
export const programUrl = new URL('./program.js', import.meta.url);
