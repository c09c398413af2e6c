/** Runes everywhere; no preprocessor: TypeScript in components is type-only. */
export default { compilerOptions: { runes: true } };
