/** Reading and checking files. Apart from index.ts, because YAML takes time to load and few commands need it. */

export {
  hertz,
  MAXIMUM_WORD,
  positiveSize,
  positiveTime,
  readTime,
  SIZE_WORDS,
  share,
  size,
  sizeOr,
  sizeOrShare,
  sizeOrTime,
  TIME_WORDS,
  time,
  timeOr,
} from './quantities.js';
export { readText } from './read-text.js';
export {
  agree,
  choice,
  described,
  integer,
  isMap,
  keyedMaps,
  named,
  reading,
  scalarOrMap,
  suchAs,
} from './schema-parts.js';
export { byPlace, type Source, type Validated, validate, valueAt } from './validate.js';
export { type Path, type ProblemAt, YamlFile } from './yaml-file.js';
