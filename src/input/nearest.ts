import { closest, distance } from 'fastest-levenshtein';

/** The candidate nearest to `word`, if it is near enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const lower = word.toLowerCase();
  const best = closest(lower, candidates as string[]);
  const tolerance = Math.max(2, Math.floor(Math.max(lower.length, best.length) * 0.4));
  return distance(lower, best.toLowerCase()) <= tolerance ? best : undefined;
}

const MINIMUM_BEGINNING = 2;

/** The candidates that somebody may have begun to write: for long names, made of parts. */
export function beginningWith(word: string, candidates: readonly string[]): string[] {
  if (word.length < MINIMUM_BEGINNING) return [];
  return candidates.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
}
