# language: en
Feature: The user PIN

  Background:
    Given the service hall of Qinghe is open
    And the unit holds a UKey with the PIN "Mima-2026"

  @smoke @U-35
  Scenario: A wrong PIN costs one try, the right one restores them
    When the PIN "Mima-2025" is checked
    Then the PIN is wrong, and 9 tries are left
    And the UKey has 9 tries left
    When the PIN "Mima-2026" is checked
    Then it succeeds
    And the UKey has 10 tries left

  @smoke @U-35
  Scenario: The PIN is changed
    When the PIN is changed to "Xin-2026", and again "Xin-2026"
    Then it succeeds
    And the PIN "Xin-2026" signs, and the PIN "Mima-2026" does not

  @smoke @U-35
  Scenario: Two new PINs that differ change nothing
    When the PIN is changed to "Xin-2026", and again "Xin-2027"
    Then it is refused with the words "两次输入的新密码不一致"
    And the PIN "Mima-2026" signs, and the PIN "Xin-2026" does not

  @smoke @U-35 @unplug
  Scenario: What the key holds outlives its power
    When the PIN "Mima-2025" is checked
    Then the PIN is wrong, and 9 tries are left
    When the UKey loses its power abruptly
    And the UKey is plugged in again
    Then the UKey has 9 tries left
    When the holder logs in with the UKey and the PIN "Mima-2026"
    Then the login succeeds and shows "示例科技有限公司"
    And the UKey has 10 tries left
