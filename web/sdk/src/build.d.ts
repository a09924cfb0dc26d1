/** Put in by the build: the version of package.json. */
declare const VERSION: string;
