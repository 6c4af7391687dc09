/**
 * Records the inputs and actions of chosen actors and segments, and replays them: one behavior or segment runs alone with the recorded
 * inputs, and its actions are compared with the recorded ones. The Recorder is an Interceptor of the kernel; the replay uses the context of the
 * test kit. Nothing in the runtime may depend on it.
 */
export {
  type ActorRecord,
  actorNamed,
  behaviorFor,
  behaviorOf,
  type ReadRecording,
  recordedActors,
  segmentOf,
} from './recorded-actors.js';
export { Recorder, type RecorderOptions } from './recorder.js';
export { interceptor, RecordingFile, type RecordingFileOptions } from './recording-file.js';
export { readRecording, type Recording } from './recording-format.js';
export { type RecordedFile, readRecordingFile, type WholeRecording } from './recording-parts.js';
export { type Difference, replay, type ReplayOptions, replaySegment } from './replay.js';
export type { SegmentToReplay } from './replayed-segment.js';
