// Lets `node --import ./ts-node.register.mjs file.ts` run TypeScript directly (development only).
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

register('ts-node/esm', pathToFileURL(`${import.meta.dirname}/`));
