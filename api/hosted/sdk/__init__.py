"""The browser SDK as the checkout serves it. Its source is `web/sdk`; `npm run build` there writes the files here.

The built files are committed: a machine without Node serves the SDK all the same, and a review sees what shops get.
"""
