"""Tests of e-mail, against real mail servers."""
