type Ending = () => Promise<unknown>;

const endings: Ending[] = [];
const DEADLINE_MS = 2_000;

/** Something that a subject has started ends before its process does. */
export function beforeTheEnd(ending: Ending): void {
  endings.push(ending);
}

/** Ends what was started, and this process: with what would not end in time. */
export function endAll(): void {
  const late = setTimeout(() => process.exit(), DEADLINE_MS);
  void Promise.allSettled(endings.splice(0).map((ending) => ending())).then(() => {
    clearTimeout(late);
    process.exit();
  });
}
