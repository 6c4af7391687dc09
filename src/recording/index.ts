/**
 * Records what comes to chosen actors and segments and what they do, and gives it to a behavior or a segment's code again, alone, to see where it differs. The Recorder is
 * a Tap of the kernel; the replay builds on the test kit's context. Nothing in the runtime may depend on it.
 */
export { type ActorRecord, actorNamed, behaviorFor, recordedActors, segmentOf } from './recorded-actors.js';
export { Recorder, type RecorderOptions } from './recorder.js';
export { RecordingFile, type RecordingFileOptions } from './recording-file.js';
export { readRecording, type Recording } from './recording-format.js';
export { type Difference, replay, type ReplayOptions, replaySegment } from './replay.js';
export type { SegmentToReplay } from './replayed-segment.js';
