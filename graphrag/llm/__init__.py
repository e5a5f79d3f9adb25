"""Models behind the OpenAI HTTP protocol: presets of providers, one policy for every call, money, and a chat client.

Nothing of it is needed: without a configured provider the client is not imported, nor is the SDK, which takes a second.
"""
