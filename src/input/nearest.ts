import { closest, distance } from 'fastest-levenshtein';

/** Fewer letters begin too many words. */
const SHORTEST_BEGINNING = 2;

/**
 * The candidate that was most likely meant by `word`, if any comes near. A word that stops early is the
 * likeliest mistake: `prio` is nearer to `priority` than to `period`, whatever has to be typed for either.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  return begun(lower, candidates) ?? similar(lower, candidates) ?? continued(lower, candidates);
}

/** The shortest candidate that begins with `word`. */
function begun(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < SHORTEST_BEGINNING) return undefined;
  return candidates
    .filter((candidate) => candidate.toLowerCase().startsWith(word))
    .reduce<string | undefined>(
      (best, each) => (best === undefined || each.length < best.length ? each : best),
      undefined,
    );
}

/** The candidate with the fewest letters to change, if they are few. */
function similar(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const lower = candidates.map((candidate) => candidate.toLowerCase());
  const best = closest(word, lower);
  const tolerance = Math.max(2, Math.floor(Math.max(word.length, best.length) * 0.4));
  return distance(word, best) <= tolerance ? candidates[lower.indexOf(best)] : undefined;
}

/** The longest candidate that `word` begins with: `stack size` where `stack` is meant. */
function continued(word: string, candidates: readonly string[]): string | undefined {
  return candidates
    .filter(({ length }) => length >= SHORTEST_BEGINNING)
    .filter((candidate) => word.startsWith(candidate.toLowerCase()))
    .reduce<string | undefined>(
      (best, each) => (best === undefined || each.length > best.length ? each : best),
      undefined,
    );
}

const MINIMUM_BEGINNING = 2;

/** The candidates that somebody may have begun to write: for long names, made of parts. */
export function beginningWith(word: string, candidates: readonly string[]): string[] {
  if (word.length < MINIMUM_BEGINNING) return [];
  return candidates.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
}
