package mcp

const MaxRemembered = maxRemembered
