import { closest, distance } from 'fastest-levenshtein';

/** Fewer letters begin too many words. */
const SHORTEST_BEGINNING = 2;
const SHORTEST_PART = 3;

/**
 * The candidate that was most likely meant by `word`, if any comes near. A word that stops early is the
 * likeliest mistake: `prio` is nearer to `priority` than to `period`, whatever has to be typed for either.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  return (
    begun(lower, candidates) ??
    similar(lower, candidates) ??
    continued(lower, candidates) ??
    withPart(lower, candidates)
  );
}

/** The shortest candidate that begins with `word`. */
function begun(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < SHORTEST_BEGINNING) return undefined;
  return shortest(candidates.filter((candidate) => candidate.toLowerCase().startsWith(word)));
}

function shortest(candidates: readonly string[]): string | undefined {
  return [...candidates].sort((a, b) => a.length - b.length)[0];
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

/** The shortest candidate that is made of parts, one of which is meant: `bni` or `bins` for `mimalloc-bin`. */
function withPart(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < SHORTEST_PART) return undefined;
  const hasPart = (name: string) => name.split(/[-_ ]/).some((part) => isMeant(word, part));
  return shortest(candidates.filter((candidate) => hasPart(candidate.toLowerCase())));
}

/** Begun, one letter wrong or the right letters in a wrong order. Short parts are like too many words. */
function isMeant(word: string, part: string): boolean {
  if (part.length < SHORTEST_PART) return false;
  return part.startsWith(word) || distance(word, part) <= 1 || sorted(word) === sorted(part);
}

function sorted(word: string): string {
  return [...word].sort().join('');
}

/** The candidates that somebody may have begun to write: for long names, made of parts. */
export function beginningWith(word: string, candidates: readonly string[]): string[] {
  if (word.length < SHORTEST_BEGINNING) return [];
  return candidates.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
}
