import { ConfigError } from '../../errors.js';
import type { v1 } from '../../protocol/index.js';

export interface Parts {
  readonly manifolds: readonly v1.ManifoldPartInit[];
  readonly segments: readonly v1.SegmentPartInit[];
}

/**
 * Assigns each instance of each segment to a partition. Instances are assigned round-robin to the partitions that they may use; a segment
 * that is placed with another uses the same partitions, instance by instance. A pure function.
 */
export function placePipeline(
  definition: v1.PipelineDefinition,
  mapping: readonly v1.Mapping[],
  ordinals: readonly number[],
): Parts {
  const placed = new Map<string, readonly number[]>();
  const segments: v1.SegmentPartInit[] = [];
  let turn = 0;
  for (const segment of definition.segments) {
    const wish = mapping.find((each) => each.segment === segment.name);
    const count = wish !== undefined && wish.instances > 0 ? wish.instances : segment.instances;
    const allowed = allowedPartitions(segment.name, wish, ordinals);
    const beside = placed.get(segment.placedWith);
    const partitions = Array.from({ length: count }, (_, instance) => {
      const partition = beside === undefined ? allowed[turn++ % allowed.length] : beside[instance % beside.length];
      return partition ?? 0;
    });
    placed.set(segment.name, partitions);
    partitions.forEach((partition, instance) => {
      segments.push({ name: segment.name, instance, partition, ingress: segment.ingress, egress: segment.egress });
    });
  }
  const manifolds = definition.ports.map(({ name, policy }) => ({ port: name, policy }));
  return { manifolds, segments };
}

function allowedPartitions(
  segment: string,
  wish: v1.Mapping | undefined,
  ordinals: readonly number[],
): readonly number[] {
  const allowed =
    wish === undefined || wish.partitions.length === 0
      ? ordinals
      : ordinals.filter((each) => wish.partitions.includes(each));
  if (allowed.length === 0) {
    throw new ConfigError(
      `Segment "${segment}" has no partition to run in: it may use ${wish?.partitions.join(', ') || 'any'}, and there are ${ordinals.join(', ') || 'none'}.`,
    );
  }
  return allowed;
}
