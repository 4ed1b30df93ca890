// What is known of a recovery point: proven sound, proven long ago, not yet proven, or damaged.
import type { Point } from './generated/api';

export type Proof = 'sound' | 'old' | 'never' | 'damaged';

const kOldDays = 30;
const kDayMs = 86_400_000;

export function proofOf(point: Pick<Point, 'verified' | 'has_known_damage'>, now = Date.now()): Proof {
  if (point.has_known_damage || point.verified?.result === 'damaged') return 'damaged';
  if (!point.verified) return 'never';
  return now - Date.parse(point.verified.time) > kOldDays * kDayMs ? 'old' : 'sound';
}

/// The first that a person must know of several points.
const kWorstFirst: Proof[] = ['damaged', 'never', 'old', 'sound'];

export function worstProof(points: Point[]): Proof {
  const proofs = new Set(points.map((point) => proofOf(point)));
  return kWorstFirst.find((proof) => proofs.has(proof)) ?? 'never';
}
