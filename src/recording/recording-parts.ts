import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { limits } from '../limits.js';
import { readNamedFile } from '../named-file.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { readRecording, type Recording } from './recording-format.js';

/** A recording with those of the partitions on threads and in processes. */
export interface WholeRecording extends Recording {
  /** The files that were read, first its own. */
  readonly files: readonly RecordedFile[];
  /** Those of partitions that cannot be read: why, in sentences. */
  readonly missing: readonly string[];
}

/** One file of a recording. */
export interface RecordedFile {
  readonly path: string;
  /** The number of its first actor in the whole recording. */
  readonly firstActor: number;
  /** As that of a Recording. */
  readonly cutBytes: number;
}

/** The file of a partition on a thread or in a process. */
export function partOf(path: string, part: number): string {
  return `${path}.${part}`;
}

/** Reads a recording, and those of partitions beside it, as one. Throws ConfigError where the file cannot be read, or is no recording. */
export function readRecordingFile(path: string): WholeRecording {
  const main = recordingIn(path);
  const events: v1.RecordedEvent[] = [];
  const missing: string[] = [];
  const files: RecordedFile[] = [];
  let actors = 0;
  const add = (file: string, recording: Recording): void => {
    const first = actors;
    files.push({ path: file, firstActor: first, cutBytes: recording.cutBytes });
    for (const event of recording.events) {
      const actor = first + event.actor;
      events.push({ ...event, actor });
      actors = Math.max(actors, actor + 1);
    }
  };
  add(path, main);
  for (const part of main.parts) {
    const file = partOf(path, part.number);
    try {
      add(file, recordingOf(part, file));
    } catch (error) {
      missing.push(messageOf(error));
    }
  }
  const cutBytes = files.reduce((sum, file) => sum + file.cutBytes, 0);
  return { ...main, events, cutBytes, files, missing };
}

function recordingOf({ token }: v1.RecordedPart, path: string): Recording {
  const recording = recordingIn(path);
  if (recording.header.token === token) return recording;
  throw new ConfigError(`${path} is of another run: this run's partition has written no recording.`);
}

function recordingIn(path: string): Recording {
  const bytes = readNamedFile({ what: 'The recording', path, maxBytes: limits.recordingFileBytes });
  try {
    return readRecording(bytes);
  } catch (cause) {
    throw new ConfigError(`${path} cannot be replayed: ${messageOf(cause)}.`, { cause });
  }
}
