# language: en
Feature: Login with the UKey
  The English smoke set: the same steps as in the Chinese scenarios, in English words.

  Background:
    Given the service hall of Qinghe is open

  @smoke @L-01 @L-11 @V-04
  Scenario: The holder logs in with the right PIN
    Given the unit holds a UKey with the PIN "Mima-2026"
    When the holder logs in with the UKey and the PIN "Mima-2026"
    Then the login succeeds and shows "示例科技有限公司"
    And the hall has the same certificate on record as the UKey, and it is valid

  @smoke @L-11 @U-01 @N-01 @destructive
  Scenario: A locked UKey points to the unlock
    Given the unit holds a UKey with the PIN "Mima-2026"
    And the UKey is locked by wrong PINs
    When the holder logs in with the UKey and the PIN "Mima-2026"
    Then the answer is that the PIN is locked, and where to unlock it

  @smoke @L-01 @unplug
  Scenario: Without the UKey there is no login
    Given the unit holds a UKey with the PIN "Mima-2026"
    And the UKey is pulled out
    When the holder logs in with the UKey and the PIN "Mima-2026"
    Then the answer is that the UKey is gone
    When the UKey is plugged in again
    And the holder logs in with the UKey and the PIN "Mima-2026"
    Then the login succeeds and shows "示例科技有限公司"
