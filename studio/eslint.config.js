import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "eslint.config.js", "public"] },
  ...tseslint.configs.recommended,
  {
    rules: {
      complexity: ["error", 10],
      "max-params": ["error", 6],
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
);
